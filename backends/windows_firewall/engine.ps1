# ---- the engine, the run: what is to be done, and doing it; the same in every script ------------

$isLocal = $PolicyStore -eq 'PersistentStore'
$store = @{ Name = $PolicyStore; Session = '' }
$store['MemoryRule'] = @{
    Name = '{0}memory' -f $policy['NamePrefix']; Group = $policy['Group']; Enabled = 'False'
    DisplayName = 'hcipolc: what this object had before'; Direction = 'Inbound'; Action = 'Allow'
    Protocol = 'TCP'; LocalAddress = '192.0.2.1'; RemoteAddress = '192.0.2.1'
}
$changes = $Mode -in @('Apply', 'Remove', 'Restore')
$memoryKey = '{0}\Firewall\{1}' -f $memoryRoot, $policy['NamePrefix'].TrimEnd('-')
$namesProfiles = @($policy['Profile'] -replace '^Any$', 'Domain, Private, Public') -split ', '

$wantsRules = $Mode -in @('Verify', 'Apply')
if ($isLocal) {
    $stops = $changes -and -not $Force
    Assert-OwnServer -Policy $policy -Stops $stops -ForRules $wantsRules
}
if ($Mode -eq 'Apply' -and -not $isLocal -and $keywords.Count -gt 0) {
    $text = 'Nothing was changed: the rules use dynamic keywords, which no Group Policy can hold.'
    throw ($text + ' Compile with service_tags = "addresses" and names = "service-tags" or "report".')
}
if ($Mode -in @('Backup', 'Restore') -and $BackupPath -eq '') {
    throw ('-Mode {0} needs -BackupPath.' -f $Mode)
}
$backupFile = ''
if ($BackupPath -ne '' -and $Mode -ne 'Verify') {
    $backupFile = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($BackupPath)
    if ($Mode -ne 'Restore' -and [System.IO.File]::Exists($backupFile)) {
        throw ('Nothing was changed: {0} is there already and is not overwritten.' -f $backupFile)
    }
}

$backup = @{ Setting = @{} }
if ($Mode -eq 'Restore') {
    $backup = Read-Backup -Policy $policy -Store $PolicyStore -Path $backupFile
}

# ---- what is there ----

$everyRule = @(Get-NetFirewallRule -PolicyStore $PolicyStore -ErrorAction Stop)
$own = Get-OwnRule -Policy $policy -Rule $everyRule
if ($isLocal) {
    $memory = Get-RegistryTable -Key $memoryKey
}
else {
    $memory = Read-StoreMemory -Rule $everyRule -Name $store['MemoryRule']['Name']
    $store['Memory'] = $memory.Clone()
}
$names = @($builtin | ForEach-Object { 'Built-in {0}' -f $_['Name'] })
$names = @(@($names) + @($memory.Keys) + @($backup['Setting'].Keys) -like 'Built-in *')
$builtinRules = @($everyRule | Where-Object { "Built-in $($_.Name)" -in $names })
$settings = Read-Setting -Store $PolicyStore -Rule $builtinRules
$index = @{}
if ($own.Count + $builtinRules.Count -gt 0) {
    $index = Get-FilterIndex -Store $PolicyStore
}
$fields = @(Get-RuleField)
$builtinValues = @{}
foreach ($item in $builtinRules) {
    $builtinValues[$item.Name] = Get-LiveValue -Rule $item -Index $index -Field $fields
}
$absent = @($names | Where-Object { -not $isLocal -and -not $settings.ContainsKey($_) })
if ($absent.Count -gt 0 -and $Mode -ne 'Remove') {
    # A rule of Windows' own that the object does not have is copied from this machine.
    $absent | ForEach-Object { $settings[$_] = 'Absent' }
    $here = Get-FilterIndex -Store 'PersistentStore'
    foreach ($item in @(Get-NetFirewallRule -PolicyStore PersistentStore -ErrorAction Stop)) {
        if ("Built-in $($item.Name)" -in $absent) {
            $builtinValues[$item.Name] = Get-LiveValue -Rule $item -Index $here -Field $fields
        }
    }
}
$store['Template'] = $builtinValues
$live = @{}
foreach ($name in @($own.Keys)) {
    $live[$name] = Get-LiveValue -Rule $own[$name] -Index $index -Field $fields
}
$liveKeywords = Get-DynamicKeyword

$state = @{
    Rule = $live; Keyword = $liveKeywords; Setting = $settings; Memory = $memory; Proxy = @{}
    ProxyMemory = @{}
}
# Whoever has it ignored now has what an earlier version set taken back by Remove.
$ignoresProxy = $proxy['Settings'] -eq 'Ignored'
$setsProxy = $isLocal -and (-not $ignoresProxy -or $Mode -in @('Remove', 'Restore'))
if ($setsProxy -and ($backupFile -ne '' -or $Mode -eq 'Restore')) {
    Add-ProxyState -State $state
}

# ---- what should be there ----

$wanted = @()
$wantedKeywords = @()
$wantedSettings = @{}
$remembered = @{}
$ended = @{}
foreach ($item in @($rules | Where-Object { Test-Ended -Rule $_ })) {
    $ended[$item['Name']] = $item['Until']
}
if ($wantsRules) {
    $wanted = @(Get-WantedRule -Policy $policy -Rule $rules)
    $wantedKeywords = $keywords
    if ($policy['Outbound'] -eq 'Block') {
        $namesProfiles | ForEach-Object { $wantedSettings["Outbound $_"] = 'Block' }
    }
    $builtin | ForEach-Object { $wantedSettings["Built-in $($_['Name'])"] = 'True' }
    foreach ($name in @($wantedSettings.Keys)) {
        $remembered[$name] = $settings[$name]
        if ($memory.ContainsKey($name)) {
            $remembered[$name] = $memory[$name]
        }
    }
}
elseif ($Mode -eq 'Restore') {
    $wanted = @($backup['Rule'].Values)
    $wantedKeywords = @($backup['Keyword'].Values)
    $wantedSettings = $backup['Setting']
    $remembered = $backup['Memory']
}
$wanted = @($wanted | Where-Object { -not $ended.ContainsKey($_['Name']) })
# What Apply changed once and the policy does not ask for any more.
$stale = @{}
foreach ($name in @($memory.Keys)) {
    if (-not $wantedSettings.ContainsKey($name)) {
        $stale[$name] = $memory[$name]
    }
}

# ---- what is different ----

$settingFindings = @()
$proxyFindings = @()
$findings = @(Get-Finding -Wanted $wanted -Live $live)
$keywordFindings = @(Get-KeywordFinding -Wanted $wantedKeywords -Live $liveKeywords)
if ($wantsRules) {
    $parameters = @{ Policy = $policy; Builtin = $builtin; Live = $builtinValues }
    $settingFindings = @(Get-BuiltinFinding @parameters -Setting $settings)
}
foreach ($name in @($wantedSettings.Keys | Where-Object { $_ -like 'Outbound *' })) {
    if ($settings[$name] -ne $wantedSettings[$name]) {
        $detail = 'Default action is {0}, should be {1}' -f $settings[$name],
        $wantedSettings[$name]
        $settingFindings += [pscustomobject] @{
            Name = $name; Finding = 'Changed: DefaultOutboundAction'; Detail = $detail
        }
    }
}
foreach ($name in @($stale.Keys | Sort-Object)) {
    $detail = 'Set by an earlier version of the policy; was {0}' -f $stale[$name]
    $settingFindings += [pscustomobject] @{ Name = $name; Finding = 'Stale'; Detail = $detail }
}
if ($setsProxy -and $Mode -ne 'Restore') {
    $wantedProxy = $proxy
    if ($Mode -eq 'Remove') {
        $wantedProxy = @{ Settings = 'None' }
    }
    $proxyFindings = @(Get-ProxyFinding -Proxy $wantedProxy)
}

# Windows cannot give a rule another group, and Apply touches none but ours.
$likeOurs = @(
    $everyRule | Where-Object { "$($_.Name)" -like "$($policy['NamePrefix'])*" } |
        Where-Object { $_.Group -ne $policy['Group'] } | ForEach-Object { $_.Name }
)
if ($likeOurs.Count -gt 0 -and $Mode -in @('Verify', 'Apply', 'Remove')) {
    $text = 'Rules of this policy''s name in another group stay as they are; remove them with the'
    $text += ' script that made them: {0}'
    Write-Warning -Message ($text -f ($likeOurs -join ', '))
}

if ($Mode -in @('Apply', 'Restore')) {
    foreach ($name in @($ended.Keys | Sort-Object)) {
        $text = '{0} is left out: its exception ended on {1}. Build the policy anew.'
        Write-Warning -Message ($text -f $name, $ended[$name])
    }
}

if ($Mode -eq 'Verify') {
    $findings = @($findings | Where-Object { -not $ended.ContainsKey($_.Name) })
    foreach ($name in @($ended.Keys | Sort-Object)) {
        $detail = 'The exception ended on {0}; build the policy anew, deny rules have a gap for it'
        $findings += [pscustomobject] @{
            Name = $name; Finding = 'Expired'; Detail = $detail -f $ended[$name]
        }
    }
    $all = @($keywordFindings) + $findings + $settingFindings + $proxyFindings
    if ($isLocal -and $ignoresProxy -and (Get-RegistryTable -Key $proxyBackup).Count -gt 0) {
        $text = 'An earlier version of the policy set the proxy; Remove puts back what was there.'
        Write-Warning -Message $text
    }
    $enforced = @()
    if ($isLocal) {
        $parameters = @{ Policy = $policy; Wanted = $wanted; Keyword = $keywords }
        $enforced = @(Get-EnforcementFinding @parameters)
    }
    $others = @(
        $everyRule | Where-Object { $_.Group -eq $policy['Group'] } |
            Where-Object { $_.Name -notin (@($own.Keys) + $store['MemoryRule']['Name']) } |
            ForEach-Object { $_.Name }
    )
    if ($others.Count -gt 0) {
        $text = 'Rules in the group that the policy did not make, and Apply leaves alone: {0}'
        Write-Warning -Message ($text -f ($others -join ', '))
    }
    $all + $enforced | Select-Object -Property 'Name', 'Finding', 'Detail'
    if ("$($MyInvocation.MyCommand.CommandType)" -eq 'ExternalScript') {
        if ($all.Count -gt 0) {
            exit 2
        }
        if ($enforced.Count -gt 0) {
            exit 3
        }
        exit 0
    }
    return
}

# ---- what to do, in this order: nothing goes before what takes its place is there ----

$plan = @(
    foreach ($item in $keywordFindings) {
        $kind = @('SetKeyword', 'NewKeyword')[$item.Finding -eq 'Missing']
        @{
            Kind = $kind; Name = $item.Name; Keyword = $item.Wanted; Former = $item.Former
            Text = 'Set dynamic keyword: {0}' -f $item.Detail
            Finding = @('Updated', 'Created')[$kind -eq 'NewKeyword']
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Missing' })) {
        @{
            Kind = 'NewRule'; Name = $item.Name; Rule = $item.Wanted
            Text = 'Create firewall rule: {0}' -f $item.Detail; Finding = 'Created'
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -notin @('Missing', 'Stale') })) {
        # The addresses of a service tag change under the rule's name; the rest was edited by hand.
        $done = 'Restored'
        if ("$($item.Field)" -eq 'RemoteAddress') {
            $done = 'Updated'
        }
        elseif ($item.Finding -eq 'Disabled') {
            $done = 'Enabled'
        }
        @{
            Kind = 'SetRule'; Name = $item.Name; Rule = $item.Wanted; Former = $item.Former
            Field = $item.Field; Text = 'Set firewall rule: {0} {1}' -f $item.Finding, $item.Detail
            Finding = $done
        }
    }
    $common = @{ Key = $memoryKey; Live = $settings; Memory = $memory }
    foreach ($kind in @('Built-in *', 'Proxy', 'Outbound *')) {
        # Now that the way to the proxy is open, and before the former direct ways close.
        if ($kind -eq 'Proxy') {
            Get-ProxyChange -Finding @($proxyFindings | Where-Object { $_.Finding -ne 'Stale' })
            if ($Mode -eq 'Restore' -and $setsProxy) {
                Get-ProxyRestore -State $state -Backup $backup
            }
            continue
        }
        $part = @{}
        foreach ($name in @($wantedSettings.Keys | Where-Object { $_ -like $kind })) {
            $part[$name] = $wantedSettings[$name]
        }
        Get-SettingChange -Wanted $part -Remembered $remembered @common
    }
    Get-ProxyChange -Finding @($proxyFindings | Where-Object { $_.Finding -eq 'Stale' })
    Get-SettingChange -Wanted $stale -Remembered @{} @common
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Stale' })) {
        @{
            Kind = 'RemoveRule'; Name = $item.Name; Former = $item.Former
            Text = 'Remove firewall rule'; Finding = 'Removed'
        }
    }
    $parameters = @{ Finding = $findings; EveryRule = $everyRule; Wanted = $wanted }
    foreach ($id in @(Get-UnusedKeyword @parameters)) {
        if ($liveKeywords.ContainsKey($id)) {
            $keyword = $liveKeywords[$id]
            @{
                Kind = 'RemoveKeyword'; Name = $keyword['Keyword']; Keyword = $keyword
                Text = 'Remove dynamic keyword'; Finding = 'Removed'
            }
        }
    }
)

if ($Mode -eq 'Backup') {
    $plan = @()
}

# ---- may it be done ----

if ($Mode -eq 'Apply') {
    $faults = @($settingFindings | Where-Object { $_.Finding -in @('Missing', 'Unsuitable') })
    if ($faults.Count -gt 0) {
        $texts = @($faults | ForEach-Object { '{0}: {1} {2}' -f $_.Name, $_.Finding, $_.Detail })
        $text = 'Nothing was changed: the policy counts on rules of Windows'' own. {0}'
        throw ($text -f ($texts -join '; '))
    }
}
$taken = @($plan | Where-Object { $_['Kind'] -eq 'NewRule' -and $_['Name'] -in $likeOurs })
if ($taken.Count -gt 0) {
    $text = 'Nothing was changed: rules that are not ours have these names: {0}.'
    throw ($text -f (@($taken | ForEach-Object { $_['Name'] }) -join ', '))
}
$parameters = @{
    Policy = $policy; Plan = $plan; Wanted = $wanted; Live = @($live.Values); Setting = $settings
    Store = $PolicyStore; AllowLockOut = [bool] $AllowLockOut
}
Assert-Reachable @parameters
$internet = @($plan | Where-Object { $_['Layer'] -eq 'WinINet' -and $_['Kind'] -eq 'Proxy' })
if ($internet.Count -gt 0 -and
    $null -eq (Get-Command -Name 'Set-WinInetProxy' -ErrorAction SilentlyContinue)) {
    $text = 'the proxy settings of WinINet need the module WinInetProxy, which is missing. Get it'
    $text += ' with Save-Module on a computer that reaches the PowerShell Gallery and copy it to'
    $text += ' %ProgramFiles%\WindowsPowerShell\Modules'
    if ($Mode -ne 'Remove') {
        $text += ', or compile with proxy_settings = false.'
        throw ('Nothing was changed: {0}' -f $text)
    }
    Write-Warning -Message ('WinINet stays as it is: {0}, then run Remove again.' -f $text)
    $plan = @($plan | Where-Object { "$($_['Subject'])" -ne 'Proxy of WinINet' })
}
if ($Mode -ne 'Restore' -and $backupFile -ne '' -and
    $PSCmdlet.ShouldProcess($backupFile, 'Write backup')) {
    # Of outbound actions those that are the policy's to set.
    foreach ($name in @(@($settings.Keys) -like 'Outbound *')) {
        $sets = $policy['Outbound'] -eq 'Block' -and ($name -split ' ')[1] -in $namesProfiles
        if (-not $sets -and -not $memory.ContainsKey($name)) {
            $settings.Remove($name)
        }
    }
    Save-Backup -Policy $policy -Store $PolicyStore -State $state -Path $backupFile
    [pscustomobject] @{ Name = $backupFile; Finding = 'Written'; Detail = '' }
}

# ---- doing it ----

$done = New-Object -TypeName 'System.Collections.Generic.List[object]'
$decided = @{}
$complete = $false
try {
    foreach ($change in $plan) {
        $name = $change['Name']
        $subject = $name
        if ($change.ContainsKey('Subject')) {
            $subject = $change['Subject']
        }
        if (-not $decided.ContainsKey($subject)) {
            $decided[$subject] = $PSCmdlet.ShouldProcess($subject, $change['Text'])
        }
        # A keyword stays if somebody wanted a rule to stay.
        $stays = $change['Kind'] -eq 'RemoveKeyword' -and $decided.Values -contains $false
        if ($stays -or -not $decided[$subject]) {
            continue
        }
        if (-not $isLocal -and $store['Session'] -eq '') {
            $parameters = @{ PolicyStore = $PolicyStore }
            if ($DomainController -ne '') {
                $parameters['DomainController'] = $DomainController
            }
            $store['Session'] = "$(Open-NetGPO @parameters -ErrorAction Stop)"
        }
        $done.Add($change)
        Invoke-Change -Change $change -Store $store
        if ("$($change['Finding'])" -ne '') {
            [pscustomobject] @{ Name = $subject; Finding = $change['Finding']; Detail = '' }
        }
    }
    if ($store['Session'] -ne '') {
        Save-StoreMemory -Store $store -Former $memory
        Save-NetGPO -GPOSession $store['Session'] -ErrorAction Stop
    }
    $complete = $true
}
finally {
    # Also when somebody presses Ctrl+C. Of a session nothing is in force before it is saved.
    if (-not $complete -and $store['Session'] -eq '') {
        Undo-All -Change $done.ToArray() -Store $store
    }
    elseif (-not $complete) {
        Write-Warning -Message 'Nothing of the session was saved: the object is as it was.'
    }
    if ($null -ne $store['Cim']) {
        Remove-CimSession -CimSession $store['Cim'] -Confirm:$false -WhatIf:$false
    }
}

if ($Mode -eq 'Apply' -and $isLocal) {
    $parameters = @{ Policy = $policy; Wanted = $wanted; Keyword = $keywords }
    try {
        foreach ($item in @(Get-EnforcementFinding @parameters)) {
            Write-Warning -Message ('{0}: not in force. {1}' -f $item.Name, $item.Detail)
        }
    }
    catch {
        Write-Warning -Message ('All is done; whether it is in force is not known: {0}' -f $_)
    }
}
