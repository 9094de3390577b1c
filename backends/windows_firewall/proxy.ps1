# ---- the engine, proxy: the server's own proxy settings; the same in every script ---------------
# Windows keeps four of them. WinINet is what the source document sets; WinHTTP is what services
# ask, the environment what agents and command lines ask, and the Azure Arc agent has its own. What
# was there before the first Apply is kept in the registry, which only administrators can write.

$proxyBackup = 'HKLM:\SOFTWARE\hcipolc\Proxy'
$internetSettings = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$internetPolicy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'

function Get-RegistryValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    if (Test-Path -LiteralPath $Key) {
        $item = Get-ItemProperty -LiteralPath $Key -ErrorAction Stop
        Get-PropertyValue -InputObject $item -Name $Name
    }
}

function ConvertFrom-ConnectionSetting {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Setting
    )
    # WinINet and WinHTTP write the same form: version, counter and flags of four bytes each, then
    # texts with their length before them. Flags: 2 a proxy, 4 a script, 8 detection.
    $state = @{ Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
    $bytes = [byte[]] @($Setting | Where-Object { $null -ne $_ })
    if ($bytes.Length -lt 12) {
        return $state
    }
    $flags = [System.BitConverter]::ToInt32($bytes, 8)
    $texts = @('', '', '')
    $at = 12
    for ($i = 0; $i -lt 3 -and $at + 4 -le $bytes.Length; $i++) {
        $length = [System.BitConverter]::ToInt32($bytes, $at)
        if ($length -lt 0 -or $length -gt $bytes.Length - $at - 4) {
            break
        }
        $texts[$i] = [System.Text.Encoding]::ASCII.GetString($bytes, $at + 4, $length)
        $at += 4 + $length
    }
    if (($flags -band 2) -ne 0) {
        $state['Server'] = $texts[0]
        $state['Bypass'] = $texts[1]
    }
    if (($flags -band 4) -ne 0) {
        $state['Script'] = $texts[2]
    }
    $state['Detect'] = "$(($flags -band 8) -ne 0)"
    $state
}

function Invoke-ProxyTool {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Name,

        [Parameter(Mandatory = $true)]
        [string[]] $Argument
    )
    # Every argument stays one argument: no shell stands between.
    $output = & $Name @Argument
    if ($LASTEXITCODE -ne 0) {
        throw ('{0} {1} failed with code {2}.' -f $Name, ($Argument -join ' '), $LASTEXITCODE)
    }
    "$output"
}

function Get-ArcProperty {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    $text = Invoke-ProxyTool -Name 'azcmagent.exe' -Argument @('config', 'get', $Name)
    $text.Trim([char[]] ' []"')
}

function Get-ProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    # Nothing for a part that this server does not have.
    switch ($Layer) {
        'WinINet' {
            if ("$(Get-RegistryValue -Key $internetPolicy -Name 'ProxySettingsPerUser')" -ne '0') {
                return @{ Scope = 'User'; Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
            }
            $value = Get-RegistryValue -Key $internetSettings -Name 'DefaultConnectionSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            $state['Scope'] = 'Machine'
            return $state
        }
        'WinHTTP' {
            $value = Get-RegistryValue -Key $internetSettings -Name 'WinHttpSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            return @{ Server = $state['Server']; Bypass = $state['Bypass'] }
        }
        'Environment' {
            $state = @{}
            foreach ($name in @('HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY')) {
                $state[$name] = "$([System.Environment]::GetEnvironmentVariable($name, 'Machine'))"
            }
            return $state
        }
        'Azure Arc agent' {
            if ($null -ne (Get-Command -Name 'azcmagent.exe' -ErrorAction SilentlyContinue)) {
                return @{
                    Server = Get-ArcProperty -Name 'proxy.url'
                    Bypass = Get-ArcProperty -Name 'proxy.bypass'
                }
            }
        }
    }
}

function Get-WantedProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy
    )
    if ($Proxy['Settings'] -ne 'Set') {
        return @{}
    }
    $url = 'http://{0}' -f $Proxy['Server']
    $list = $Proxy['WindowsBypass'] -join ';'
    @{
        'WinINet'         = @{
            Scope  = 'Machine'
            Server = $Proxy['Server']
            Bypass = $list
            Script = ''
            Detect = 'False'
        }
        'WinHTTP'         = @{ Server = $Proxy['Server']; Bypass = $list }
        'Environment'     = @{
            HTTP_PROXY  = $url
            HTTPS_PROXY = $url
            NO_PROXY    = $Proxy['EnvironmentBypass'] -join ','
        }
        'Azure Arc agent' = @{ Server = $url; Bypass = $Proxy['ArcBypass'] -join ',' }
    }
}

function Write-ProxyState {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer,

        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    switch ($Layer) {
        'WinINet' {
            # Without arguments it goes back to settings of each user's own.
            $parameters = @{}
            if ($State['Scope'] -eq 'Machine') {
                $parameters['ProxySettingsPerUser'] = 0
                if ($State['Server'] -ne '') {
                    $parameters['ProxyServer'] = $State['Server']
                }
                if ($State['Bypass'] -ne '') {
                    $parameters['ProxyBypass'] = $State['Bypass']
                }
                if ($State['Script'] -ne '') {
                    $parameters['AutoConfigURL'] = $State['Script']
                }
                if ($State['Detect'] -eq 'True') {
                    Write-Warning -Message 'WinINet: automatic detection was on and stays off now.'
                }
            }
            Set-WinInetProxy @parameters -ErrorAction Stop | Out-Null
        }
        'WinHTTP' {
            $arguments = @('winhttp', 'reset', 'proxy')
            if ($State['Server'] -ne '') {
                $arguments = @('winhttp', 'set', 'proxy', "proxy-server=$($State['Server'])")
                if ($State['Bypass'] -ne '') {
                    $arguments += "bypass-list=$($State['Bypass'])"
                }
            }
            Invoke-ProxyTool -Name 'netsh.exe' -Argument $arguments | Out-Null
        }
        'Environment' {
            foreach ($name in @($State.Keys | Sort-Object)) {
                [System.Environment]::SetEnvironmentVariable($name, $State[$name], 'Machine')
            }
        }
        'Azure Arc agent' {
            # Older agents know no proxy.bypass: what is right already is not asked for.
            $current = Get-ProxyState -Layer $Layer
            foreach ($pair in @(@('proxy.url', 'Server'), @('proxy.bypass', 'Bypass'))) {
                $value = $State[$pair[1]]
                $arguments = @('config', 'set', $pair[0], $value)
                if ($value -eq '') {
                    $arguments = @('config', 'clear', $pair[0])
                }
                if ($value -ne $current[$pair[1]]) {
                    Invoke-ProxyTool -Name 'azcmagent.exe' -Argument $arguments | Out-Null
                }
            }
        }
    }
}

function Get-ProxyBackup {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    $text = Get-RegistryValue -Key $proxyBackup -Name $Layer
    if ($null -ne $text) {
        ConvertTo-Table -InputObject (ConvertFrom-Json -InputObject "$text")
    }
}

function Get-ProxyFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy
    )
    # State is what the part should be set to; Former what it is now.
    $wanted = Get-WantedProxyState -Proxy $Proxy
    foreach ($layer in @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')) {
        $name = 'Proxy of {0}' -f $layer
        $backup = Get-ProxyBackup -Layer $layer
        if (-not $wanted.ContainsKey($layer) -and $null -eq $backup) {
            continue
        }
        $live = Get-ProxyState -Layer $layer
        # Of a part that is gone there is only the memory, which goes, too.
        if ($null -eq $live -and $wanted.ContainsKey($layer)) {
            continue
        }
        $finding = [pscustomobject] @{
            Name = $name; Finding = 'Stale'; Detail = ''; Layer = $layer; State = $backup
            Former = $live
        }
        if ($wanted.ContainsKey($layer)) {
            $state = $wanted[$layer]
            $different = @(
                foreach ($key in @($state.Keys | Sort-Object)) {
                    # Lists may come back in another order.
                    $right = ConvertTo-ListText -Value @($state[$key] -split '[;,\s]+')
                    $is = ConvertTo-ListText -Value @($live[$key] -split '[;,\s]+')
                    if ($right -ne $is) {
                        $key
                    }
                }
            )
            if ($different.Count -eq 0) {
                continue
            }
            $finding.State = $state
            $finding.Finding = 'Changed: {0}' -f ($different -join ', ')
            if ($null -eq $backup) {
                $finding.Finding = 'Missing'
            }
        }
        $finding
    }
}

function Get-ProxyChange {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Finding
    )
    foreach ($item in $Finding) {
        $memory = @{ Kind = 'Memory'; Name = $item.Layer; Key = $proxyBackup }
        $memory['Former'] = Get-RegistryValue -Key $proxyBackup -Name $item.Layer
        $memory['Value'] = $null
        $setting = @{
            Kind = 'Proxy'; Name = $item.Name; Layer = $item.Layer; State = $item.State
            Former = $item.Former; Text = 'Set proxy'; Finding = 'Set'
        }
        foreach ($change in @($memory, $setting)) {
            $change['Subject'] = $item.Name
        }
        if ($item.Finding -eq 'Stale') {
            $setting['Text'] = 'Restore what was there before'
            $setting['Finding'] = 'Restored'
            $memory['Text'] = $setting['Text']
            if ($null -ne $item.Former) {
                $setting
            }
            else {
                $memory['Finding'] = 'Forgotten'
            }
            $memory
            continue
        }
        $memory['Text'] = $setting['Text']
        if ($null -eq $memory['Former']) {
            $memory['Value'] = ConvertTo-Json -InputObject $item.Former -Compress
            $memory
        }
        $setting
    }
}

function Add-ProxyState {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    $State['ProxyMemory'] = Get-RegistryTable -Key $proxyBackup
    foreach ($layer in @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')) {
        $live = Get-ProxyState -Layer $layer
        if ($null -ne $live) {
            $State['Proxy'][$layer] = $live
        }
    }
}

function Get-ProxyRestore {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $State,

        [Parameter(Mandatory = $true)]
        [hashtable] $Backup
    )
    foreach ($layer in @($State['Proxy'].Keys | Sort-Object)) {
        if (-not $Backup['Proxy'].ContainsKey($layer)) {
            continue
        }
        $name = 'Proxy of {0}' -f $layer
        $wanted = $Backup['Proxy'][$layer]
        $live = $State['Proxy'][$layer]
        if (@($wanted.Keys | Where-Object { "$($wanted[$_])" -ne "$($live[$_])" }).Count -gt 0) {
            @{
                Kind = 'Proxy'; Name = $name; Layer = $layer; State = $wanted; Former = $live
                Text = 'Restore proxy'; Finding = 'Restored'; Subject = $name
            }
        }
        $memory = @{ Kind = 'Memory'; Name = $layer; Key = $proxyBackup; Subject = $name }
        $memory['Text'] = 'Restore proxy'
        $memory['Value'] = $Backup['ProxyMemory'][$layer]
        $memory['Former'] = $State['ProxyMemory'][$layer]
        if ("$($memory['Value'])" -ne "$($memory['Former'])") {
            $memory
        }
    }
}
