# ---- the engine, the machine: profiles and rules of Windows' own; the same in every script ------
# Apply may have to change two things that are not rules of ours: the outbound action of a profile
# ('Outbound Domain') and whether a rule of Windows' own is enabled ('Built-in RULE'; a Group Policy
# object may have none: Absent).

function Read-Setting {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store,

        # Rules of Windows' own in the store.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    $settings = @{}
    foreach ($item in @(Get-NetFirewallProfile -PolicyStore $Store -ErrorAction Stop)) {
        $settings["Outbound $($item.Name)"] = "$($item.DefaultOutboundAction)"
    }
    foreach ($item in $Rule) {
        $settings["Built-in $($item.Name)"] = "$($item.Enabled)"
    }
    $settings
}

function Write-Setting {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $Change
    )
    $kind, $subject = $Change['Name'] -split ' ', 2
    $place = Get-StorePlace -Store $Store
    if ($kind -eq 'Outbound') {
        $parameters = @{ Name = $subject; DefaultOutboundAction = $Change['Value'] }
        if ($Store['Session'] -eq '' -and $Change['Value'] -eq 'NotConfigured') {
            # A server's own profiles say that, and mean Allow; whether it can be set there, or in a
            # Group Policy object alone, is not known.
            try {
                Set-NetFirewallProfile @parameters @place -ErrorAction Stop
                $is = (Read-Setting -Store $Store['Name'] -Rule @())[$Change['Name']]
            }
            catch {
                $is = "$_"
            }
            if ($is -in @('NotConfigured', 'Allow')) {
                return
            }
            $parameters['DefaultOutboundAction'] = 'Allow'
        }
        Set-NetFirewallProfile @parameters @place -ErrorAction Stop
        return
    }
    if ($Store['Session'] -eq '') {
        $parameters = @{ Name = $subject; Enabled = $Change['Value'] }
        Set-NetFirewallRule @parameters @place -ErrorAction Stop
        return
    }
    # A Group Policy object has a copy of the rule, which replaces the server's own of that name.
    if ($Change['Former'] -ne 'Absent') {
        Clear-StoreRule -Store $Store -Name $subject
    }
    if ($Change['Value'] -ne 'Absent') {
        if (-not $Store['Template'].ContainsKey($subject)) {
            throw ('This machine does not have the rule {0} to copy.' -f $subject)
        }
        $rule = $Store['Template'][$subject].Clone()
        $rule['Enabled'] = $Change['Value']
        Add-StoreRule -Store $Store -Rule $rule
    }
}

function Get-SettingChange {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key,

        [Parameter(Mandatory = $true)]
        [hashtable] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live,

        [Parameter(Mandatory = $true)]
        [hashtable] $Memory,

        # After the changes; without what is not remembered any more.
        [Parameter(Mandatory = $true)]
        [hashtable] $Remembered
    )
    foreach ($name in @($Wanted.Keys | Sort-Object)) {
        $text = 'Set to {0}' -f $Wanted[$name]
        $note = @{
            Kind = 'Memory'; Name = $name; Text = $text; Key = $Key
            Value = $Remembered[$name]; Former = $Memory[$name]
        }
        $setting = @{
            Kind = 'Setting'; Name = $name; Text = $text; Finding = $text
            Value = $Wanted[$name]; Former = $Live[$name]
        }
        $known = $Live.ContainsKey($name)
        # Remembered before it is changed, forgotten after it is changed back.
        if ("$($note['Value'])" -ne "$($note['Former'])" -and $null -ne $note['Value']) {
            $note
        }
        if ($known -and $setting['Value'] -ne $setting['Former']) {
            $setting
        }
        if ($null -eq $note['Value'] -and $null -ne $note['Former']) {
            $note
        }
    }
}

function Get-BuiltinFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Builtin,

        # Rules of Windows' own by name, as parameters.
        [Parameter(Mandatory = $true)]
        [hashtable] $Live,

        [Parameter(Mandatory = $true)]
        [hashtable] $Setting
    )
    # A rule of Windows' own is counted on as the table describes it: from and to every address. It
    # may be for one program, and for more profiles. Others of its properties are not ours to set.
    $fields = @(Get-RuleField)
    foreach ($item in $Builtin) {
        $name = 'Built-in {0}' -f $item['Name']
        if (-not $Live.ContainsKey($item['Name'])) {
            $detail = 'This machine does not have this rule: is its feature installed?'
            [pscustomobject] @{ Name = $name; Finding = 'Missing'; Detail = $detail }
            continue
        }
        $values = $Live[$item['Name']]
        $details = @(
            foreach ($field in @(Get-DifferentField -Wanted $item -Live $values -Among $fields)) {
                if ($field['Name'] -in @('Enabled', 'Program', 'Service', 'Owner')) {
                    continue
                }
                if ($field['Name'] -eq 'Profile') {
                    if (Test-ProfileOf -Rule $values -Policy $Policy) {
                        continue
                    }
                    $item['Profile'] = $Policy['Profile']
                }
                Format-Difference -Field $field -Wanted $item -Live $values
            }
        )
        if ($details.Count -gt 0) {
            $detail = $details -join '; '
            [pscustomobject] @{ Name = $name; Finding = 'Unsuitable'; Detail = $detail }
        }
        elseif ($Setting[$name] -ne 'True') {
            $text = $Setting[$name] -replace '^False$', 'Disabled'
            [pscustomobject] @{ Name = $name; Finding = $text; Detail = '' }
        }
    }
}

function Get-EnforcementFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Keyword
    )
    # Why rules that are all there may still not decide what passes. Objects for what takes the
    # rules out of force, warnings for what lets more pass than they say.
    $finding = {
        [pscustomobject] @{ Name = $args[0]; Finding = 'Not in force'; Detail = $args[1] }
    }
    $inbound = @($Wanted | Where-Object { $_['Direction'] -eq 'Inbound' }).Count -gt 0
    $allows = @($Wanted | Where-Object { $_['Action'] -eq 'Allow' })
    $out = @($allows | Where-Object { $_['Direction'] -eq 'Outbound' }).Count -gt 0
    foreach ($item in @(Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
        if ($Policy['Profile'] -ne 'Any' -and $item.Name -notin @($Policy['Profile'] -split ', ')) {
            continue
        }
        $name = 'Profile {0}' -f $item.Name
        if ("$($item.Enabled)" -eq 'False') {
            & $finding $name 'The firewall is off.'
        }
        if ("$($item.AllowLocalFirewallRules)" -eq 'False') {
            & $finding $name 'Group Policy has local rules ignored (AllowLocalFirewallRules).'
        }
        if ($inbound -and "$($item.AllowInboundRules)" -eq 'False') {
            & $finding $name 'Inbound rules are ignored (AllowInboundRules is False).'
        }
        if ($Policy['Outbound'] -eq 'Block' -and "$($item.DefaultOutboundAction)" -ne 'Block') {
            $text = 'Outbound traffic that no rule allows passes: default is {0}.'
            & $finding $name ($text -f $item.DefaultOutboundAction)
        }
        elseif ($out -and "$($item.DefaultOutboundAction)" -ne 'Block') {
            $text = '{0}: outbound traffic that no rule allows passes (no default Block).'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.DefaultInboundAction)" -eq 'Allow') {
            $text = '{0}: inbound traffic that no rule allows passes (default is Allow).'
            Write-Warning -Message ($text -f $name)
        }
    }
    $own = @{}
    $Wanted | ForEach-Object { $own[$_['Name']] = $true }
    $ways = @($allows | ForEach-Object { "$($_['Direction'])" })
    $blocks = @()
    foreach ($item in @(Get-NetFirewallRule -PolicyStore ActiveStore -ErrorAction Stop)) {
        $source = "$(Get-PropertyValue -InputObject $item -Name 'PolicyStoreSourceType')"
        if ($own.ContainsKey("$($item.Name)")) {
            # Of two rules with one name, that of Group Policy is in force.
            if ($source -eq 'GroupPolicy') {
                & $finding $item.Name 'A rule of Group Policy has this name and replaces it.'
            }
        }
        elseif ("$($item.Action)" -eq 'Block' -and "$($item.Enabled)" -eq 'True' -and
            $source -ne 'Hardcoded' -and "$($item.Direction)" -in $ways) {
            $blocks += '{0} ({1})' -f $item.Name, $item.DisplayName
        }
    }
    if ($blocks.Count -gt 0) {
        $text = '{0} block rules of others are in force and may beat allow rules of the policy: {1}'
        Write-Warning -Message ($text -f $blocks.Count, (Format-Some -Value $blocks))
    }
    if (@($Keyword | Where-Object { -not $_.ContainsKey('Addresses') }).Count -gt 0) {
        foreach ($text in @(Get-ResolverFault)) {
            & $finding 'Rules by host name' $text
        }
    }
}

function Get-ResolverFault {
    [CmdletBinding()]
    [OutputType([string])]
    param ()
    # Host names are resolved by the network protection of Defender Antivirus.
    foreach ($name in @('Get-MpComputerStatus', 'Get-MpPreference')) {
        if ($null -eq (Get-Command -Name $name -ErrorAction SilentlyContinue)) {
            return 'Defender Antivirus, which resolves the names, is not there.'
        }
    }
    $status = Get-MpComputerStatus -ErrorAction Stop
    $version = "$(Get-PropertyValue -InputObject $status -Name 'AMProductVersion')"
    if ($version -as [version] -lt [version] '4.18.2209.7') {
        'Defender Antivirus is version {0}; resolving names needs 4.18.2209.7.' -f $version
    }
    $preference = Get-MpPreference -ErrorAction Stop
    $protection = "$(Get-PropertyValue -InputObject $preference -Name 'EnableNetworkProtection')"
    if ($protection -notin @('1', '2', 'Enabled', 'AuditMode')) {
        'Network protection is off (Set-MpPreference -EnableNetworkProtection Enabled).'
    }
    $name = 'AllowNetworkProtectionOnWinServer'
    if ("$(Get-PropertyValue -InputObject $preference -Name $name)" -eq 'False') {
        'Network protection is not allowed on servers (Set-MpPreference -{0} $true).' -f $name
    }
}
